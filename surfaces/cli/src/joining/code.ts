import { fail } from '@caponier/protocol';
import { type CodeKind, parseCode } from '@caponier/session';

/** What was typed behind `join`. */
export interface Code {
  /** As the link says; null for twelve words, unless whoever typed them said so. */
  readonly kind: CodeKind | null;
  readonly options: {
    readonly code?: string;
    readonly words?: string;
    readonly relay?: string;
    readonly pin?: string;
  };
}

const wordCount = 12;

export interface CodeFlags {
  readonly relay?: string;
  readonly pin?: string;
  readonly contact?: boolean;
}

/** Throws `code.malformed`, or `cli.usage` for words without a relay. */
export function codeOf(args: readonly string[], { relay, pin, contact }: CodeFlags): Code {
  const words = args.flatMap((arg) => arg.trim().split(/\s+/));
  const [link] = words;
  if (words.length === 1 && link !== undefined && link.includes('#')) {
    if (relay !== undefined || pin !== undefined) throw fail('cli.usage', 'a link names its relay: leave --relay out');
    const { kind, secret } = parseCode(link);
    secret.wipe();
    return { kind, options: { code: link } };
  }
  if (words.length !== wordCount) throw fail('code.malformed', 'neither a link nor twelve words');
  if (relay === undefined) throw fail('cli.usage', 'twelve words need --relay <url>');
  return {
    kind: contact ? 'contact' : null,
    options: { words: words.join(' '), relay, ...(pin !== undefined && { pin }) },
  };
}
