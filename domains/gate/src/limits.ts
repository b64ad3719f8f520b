/** Policies kept compiled. */
export const MAX_COMPILED = 128;
