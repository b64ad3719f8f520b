const enter = [0x0d, 0x0a];
const tilde = 0x7e;
const dot = 0x2e;

/**
 * `~.` at the start of a line hangs up, as in ssh: the way out of a shell that does not answer. A `~` waits for the byte
 * after it; any other than a dot sends both on.
 */
export function hangUpFilter(): (bytes: Uint8Array) => { readonly pass: Uint8Array; readonly hangUp: boolean } {
  let atStart = true;
  let held = false;
  return (bytes) => {
    const pass: number[] = [];
    for (const byte of bytes) {
      if (held && byte === dot) return { pass: Uint8Array.from(pass), hangUp: true };
      if (held) pass.push(tilde);
      const holds = !held && atStart && byte === tilde;
      held = holds;
      if (!holds) pass.push(byte);
      atStart = enter.includes(byte);
    }
    return { pass: Uint8Array.from(pass), hangUp: false };
  };
}
