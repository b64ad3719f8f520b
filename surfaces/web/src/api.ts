/** What the page reads from the server that serves it. The token comes in the fragment and stays in this tab. */

export interface Status {
  readonly owner: string;
  readonly device: { readonly name: string; readonly role: string };
  readonly devices: readonly {
    readonly name: string;
    readonly did: string;
    readonly role: string;
    readonly frozen?: boolean;
  }[];
  readonly services: readonly {
    readonly role: string;
    readonly class?: string | null;
    readonly custody: string;
    readonly ok: boolean | null;
  }[];
  readonly warnings: readonly string[];
}

export interface Ask {
  readonly id: string;
  readonly agent: string | null;
  readonly device: string;
  readonly op: string;
  readonly resource: string;
  readonly purpose: string;
  readonly expires: number;
}

const tokenKey = 'caponier-token';

/** Takes the token out of the address, so that it does not stay in the history. */
export function takeToken(): string | null {
  const given = /^#token=([A-Za-z0-9_-]+)$/.exec(location.hash)?.[1];
  if (given) {
    sessionStorage.setItem(tokenKey, given);
    history.replaceState(null, '', location.pathname);
  }
  return sessionStorage.getItem(tokenKey);
}

export class Refused extends Error {
  readonly hint: string;
  constructor(title: string, hint: string) {
    super(title);
    this.hint = hint;
  }
}

async function read<T>(path: string, token: string | null): Promise<T> {
  const answer = await fetch(path, { headers: { authorization: `Bearer ${token ?? ''}` } });
  const body = (await answer.json()) as T & { title?: string; hint?: string };
  if (!answer.ok) throw new Refused(body.title ?? 'The daemon does not answer.', body.hint ?? '');
  return body;
}

export const readStatus = (token: string | null) => read<Status>('api/status', token);
export const readAsks = (token: string | null) => read<{ asks: Ask[] }>('api/asks', token);
