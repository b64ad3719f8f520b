import type { Home } from '@caponier/host/home';

/** The policy's text as this home last set it. The chain names only its digest; the gate has the text, too. */
const policyFile = 'policy.cedar';

export function keepPolicyText(home: Home, text: string): void {
  home.write(policyFile, new TextEncoder().encode(text));
}

export function policyText(home: Home): string | undefined {
  const bytes = home.read(policyFile);
  return bytes && new TextDecoder().decode(bytes);
}
