/** What an operator is told of, each with its sentence. The runbook has a section for each. */
export const alertKinds = {
  first_owner: 'An owner registered for the first time.',
  first_device: 'A device of a known owner registered for the first time.',
  key_changed: 'An owner replaced its key.',
  flapping: 'Connections of one device replace each other over and over.',
  refusals: 'Many were turned away in a short time.',
  revoked: 'A device was revoked, and cut.',
  storage: 'Storage is nearly full, or failed.',
  certificate: 'The certificate is about to end, or could not be made anew.',
} as const;

export type AlertKind = keyof typeof alertKinds;

export const isAlertKind = (text: string): text is AlertKind => Object.hasOwn(alertKinds, text);
