/** The same bytes as a plain Uint8Array: a Buffer has other semantics (`slice` shares memory) and must not leave here. */
export function plain(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
