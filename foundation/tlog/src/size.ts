/**
 * Sizes and indices are JavaScript integers below 2^53; arithmetic on them avoids the bit operators, which would cut
 * them to 32 bits.
 */
export function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** The canonical decimal of a size, or undefined: no sign, no leading zero, below 2^53. */
export function parseSize(text: string): number | undefined {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** The largest power of two below `size`, for sizes of 2 and more: where RFC 6962 splits a tree. */
export function splitOf(size: number): number {
  let k = 1;
  while (k * 2 < size) k *= 2;
  return k;
}
