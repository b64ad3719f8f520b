/**
 * What every answer of the page's server carries.
 *
 * Threat: a foreign script in the page, or a foreign page around it, reads what the daemon shows. Measure: only our own
 * scripts and styles, no inline code, no frames, no other origin. `wasm-unsafe-eval` is for the policy engine of the
 * verifier; it allows compiling WebAssembly, not `eval`.
 */
export const pageHeaders: Readonly<Record<string, string>> = Object.freeze({
  'content-security-policy':
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
});
