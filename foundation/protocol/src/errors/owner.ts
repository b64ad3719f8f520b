import { defineErrors } from './define.ts';

/** Codes of the chain of an owner. */
export const ownerErrors = defineErrors({
  'owner.unknown': {
    status: 404,
    exit: 5,
    title: 'This owner is not known here.',
    hint: 'Publish the owner first, or check the address of the service.',
  },
  'owner.bad_sequence': {
    status: 409,
    exit: 5,
    title: 'The statement does not follow the last one of its chain.',
    hint: 'Another device wrote first: refresh and sign again.',
  },
  'owner.bad_prev': {
    status: 409,
    exit: 5,
    title: 'The statement names another predecessor.',
    hint: 'Another device wrote first: refresh and sign again.',
  },
  'owner.bad_view': {
    status: 409,
    exit: 5,
    title: 'The statement names another state of the chain.',
    hint: 'Another device wrote first: refresh and sign again.',
  },
  'owner.not_authorised': {
    status: 403,
    exit: 5,
    title: 'This key may not sign that for the owner.',
    hint: 'Use the owner key, or the recovery key for a rotation.',
  },
  'owner.not_enough_signatures': {
    status: 403,
    exit: 5,
    title: 'Too few of the owner keys signed.',
    hint: 'Collect the missing cosignatures and try again.',
  },
  'owner.conflict': {
    status: 409,
    exit: 5,
    title: 'The statement contradicts what is already there.',
    hint: 'Look at `caponier status` and try again.',
  },
  'owner.stale_view': {
    status: 503,
    exit: 5,
    title: 'The view of this owner is too old.',
    hint: 'The registry or the witnesses cannot be reached; try again shortly.',
  },
  'owner.withheld': {
    status: 503,
    exit: 5,
    title: 'The log names a statement that nobody will show.',
    hint: 'Send the statement to this service directly, or change the registry.',
  },
  'owner.frozen': {
    status: 403,
    exit: 5,
    title: 'Frozen by the owner.',
    hint: 'An approver can lift it with `caponier thaw`.',
  },
  'owner.revoked': {
    status: 403,
    exit: 5,
    title: 'This device or key was revoked.',
    hint: 'The owner must add it again.',
  },
  'owner.not_enrolled': {
    status: 403,
    exit: 5,
    title: 'This device is not one of the owner.',
    hint: 'Add it with `caponier add` and `caponier join`.',
  },
  'owner.no_service': {
    status: 404,
    exit: 4,
    title: 'The owner names no such service, or nobody says where it is.',
    hint: 'See `caponier status`; start it with `caponier up`, or fetch its address with a new code.',
  },
  'owner.other_deployment': {
    status: 409,
    exit: 5,
    title: 'The two owners use different registries or relays.',
    hint: 'Join with a new home: its owner is then made in the deployment of the code.',
  },
});
