/**
 * The one error type of the project. `code` is stable (`domain.reason`) and listed in the catalogue of
 * `foundation/protocol`; `message` is for the log of whoever threw it and never crosses a wire.
 */
export class CaponierError extends Error {
  readonly code: string;

  constructor(code: string, message: string = code, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'CaponierError';
    this.code = code;
  }
}
