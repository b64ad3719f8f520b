import type { Stage } from '../stage.ts';
import { forgedEnrolment } from './forged-enrolment.ts';
import { lyingBroker, stolenPermit } from './permits.ts';
import { rolledBackRegistry } from './rolled-back.ts';

/** Four attacks on what the journeys left running: what is tried, the code that must refuse it, and the attempt. */
export const attacks: readonly { readonly what: string; readonly code: string; run(stage: Stage): Promise<string> }[] =
  [
    { what: 'a slot claimed with a forged enrolment', code: 'relay.bad_hello', run: forgedEnrolment },
    { what: 'a stolen permit, without the agent’s key', code: 'use.bad_signer', run: stolenPermit },
    { what: 'a permit from a lying broker', code: 'permit.bad_issuer', run: lyingBroker },
    { what: 'a registry that was rolled back', code: 'log.rolled_back', run: rolledBackRegistry },
  ];
