import { toBase64url } from '@caponier/crypto';
import { decodeDid } from '../did.ts';
import { fail } from '../errors/catalogue.ts';
import { formOf, type Kind, maxBytesOf, type Payload } from '../kinds/table.ts';
import type { Signer } from '../signer.ts';
import { asciiBytes, type Header, signingInputOf } from './compact.ts';
import { encodeAssertion, type PasskeyAssertion } from './webauthn.ts';

/** The form is checked before signing too, so that nobody signs what nobody would accept. */
function checkForm<K extends Kind>(kind: K, payload: Payload<K>): unknown {
  const form = formOf(kind).safeParse(payload);
  if (!form.success) throw fail('statement.bad_payload', `${kind} ${form.error.issues[0]?.path.join('.') ?? ''}`);
  return payload;
}

function assemble(kind: Kind, input: string, signature: Uint8Array): string {
  const jws = `${input}.${toBase64url(signature)}`;
  if (jws.length > maxBytesOf(kind)) throw fail('statement.too_large', `${kind} of ${jws.length} bytes`);
  return jws;
}

/** Signs a statement; yields its compact form. */
export async function sign<K extends Kind>(signer: Signer, kind: K, payload: Payload<K>): Promise<string> {
  const alg = decodeDid(signer.did).type === 'p256' ? 'ES256' : 'Ed25519';
  const header: Header = { alg, typ: `stmt1.${kind}+jws`, kid: signer.did };
  const input = signingInputOf(header, checkForm(kind, payload));
  return assemble(kind, input, await signer.sign(asciiBytes(input)));
}

/** The bytes a passkey approves: its challenge is their SHA-256. Finish with `assemblePasskeyApproval`. */
export function passkeySigningInput(kid: string, payload: Payload<'approval'>): string {
  return signingInputOf({ alg: 'webauthn-ES256', typ: 'stmt1.approval+jws', kid }, checkForm('approval', payload));
}

export function assemblePasskeyApproval(signingInput: string, assertion: PasskeyAssertion): string {
  return assemble('approval', signingInput, encodeAssertion(assertion));
}
