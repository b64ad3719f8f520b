/** Patterns of grants and delegations: exact text, or a beginning with one `*` at its end (the form allows no other). */

export function matches(pattern: string, text: string): boolean {
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : pattern === text;
}

/** Whether all that `narrow` matches is matched by `wide` too. A resource that is itself a beginning is covered likewise. */
export function covers(wide: string, narrow: string): boolean {
  return narrow.endsWith('*') ? wide.endsWith('*') && matches(wide, narrow.slice(0, -1)) : matches(wide, narrow);
}

/** `*@*`, `*@box`, `claude@*` or `claude@box` against an agent's name: each side is a name or `*`, never a beginning. */
export function matchesAgent(pattern: string, agent: string): boolean {
  const [wantName, wantDevice] = pattern.split('@');
  const [name, device] = agent.split('@');
  return (wantName === '*' || wantName === name) && (wantDevice === '*' || wantDevice === device);
}
