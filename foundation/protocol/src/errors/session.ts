import { defineErrors } from './define.ts';

/** Codes of joining, channels and mail. */
export const sessionErrors = defineErrors({
  'session.bad_handshake': {
    status: 400,
    exit: 4,
    title: 'The handshake failed.',
    hint: 'Wrong code or key, or somebody between; try again with a new code.',
  },
  'session.bad_record': { status: 400, exit: 4, title: 'A record does not decrypt.', hint: 'Connect again.' },
  'session.too_large': { status: 413, exit: 5, title: 'The record is too large.', hint: 'Send it in parts.' },
  'session.closed': { status: 400, exit: 4, title: 'The session is closed.', hint: 'Connect again.' },
  'session.bad_state': {
    status: 400,
    exit: 1,
    title: 'The stored session is damaged.',
    hint: 'Start a new session with this peer.',
  },
  'session.bad_version': {
    status: 400,
    exit: 4,
    title: 'The peer speaks another version.',
    hint: 'Update both sides.',
  },
  'mail.bad_message': {
    status: 400,
    exit: 4,
    title: 'A message does not decrypt.',
    hint: 'It was altered or is for another session.',
  },
  'mail.replayed': { status: 409, exit: 4, title: 'The message was received before.', hint: 'Nothing to do.' },
  'mail.too_many_skipped': {
    status: 400,
    exit: 4,
    title: 'Too many messages are missing.',
    hint: 'Start a new session with this peer.',
  },
  'mail.no_prekeys': {
    status: 404,
    exit: 4,
    title: 'The peer has no keys for mail yet.',
    hint: 'The peer must come online once.',
  },
  'mail.unknown_prekeys': {
    status: 400,
    exit: 4,
    title: 'The message begins with mail keys that are used up or replaced.',
    hint: 'The sender must fetch the mail keys of this device again and send again.',
  },
  'mail.bad_prekeys': {
    status: 400,
    exit: 4,
    title: 'The mail keys of the peer do not verify.',
    hint: 'The relay or the peer is faulty or lies.',
  },
  'code.malformed': {
    status: 400,
    exit: 2,
    title: 'This is not a join code.',
    hint: 'Copy the whole code, or type all twelve words.',
  },
  'code.expired': {
    status: 403,
    exit: 4,
    title: 'The code is no longer valid.',
    hint: 'Make a new one with `caponier add`.',
  },
  'code.declined': {
    status: 403,
    exit: 5,
    title: 'The other side said no.',
    hint: 'Compare the safety numbers; they must be the same.',
  },
  'code.bad_message': {
    status: 400,
    exit: 4,
    title: 'The other side said something that is not part of joining.',
    hint: 'Update both sides, then try again with a new code.',
  },
  'code.wrong_owner': {
    status: 403,
    exit: 5,
    title: 'What the other side shows does not lead back to the code.',
    hint: 'Somebody stands between: do not go on. Make a new code on another way.',
  },
  'code.needs_owner': {
    status: 400,
    exit: 4,
    title: 'This code is for an owner, and there is none here yet.',
    hint: 'Run `caponier up` first.',
  },
  'mail.no_recipient': {
    status: 404,
    exit: 5,
    title: 'There is no device, contact or agent of that name.',
    hint: 'See `caponier status` for devices and contacts.',
  },
  'mail.not_allowed': {
    status: 403,
    exit: 5,
    title: 'That sender has no grant for mail to this owner.',
    hint: 'Add the contact with `caponier add --contact`.',
  },
  'mail.bad_receipt': {
    status: 400,
    exit: 5,
    title: 'A receipt does not fit what was sent.',
    hint: 'The message counts as not delivered. The device that sent the receipt is faulty, or lies.',
  },
  'mail.expired': {
    status: 410,
    exit: 3,
    title: 'The message could not be delivered in time.',
    hint: 'The recipient must come online; then send it again.',
  },
  'contact.too_many_blocked': {
    status: 507,
    exit: 1,
    title: 'No more can be blocked.',
    hint: 'Unblock some, or take the contact away altogether.',
  },
  'mail.outbox_full': {
    status: 507,
    exit: 3,
    title: 'Too many messages wait to be sent.',
    hint: 'Wait until the relay can be reached.',
  },
});
