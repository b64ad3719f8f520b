/** What belongs in row `id`: a row with other bytes than these was damaged. */
export function bodyOf(id: number): Uint8Array {
  const body = new Uint8Array(64 + ((id * 37) % 1500));
  for (let i = 0; i < body.length; i++) body[i] = (id * 31 + i * 7) & 0xff;
  return body;
}
