import { defineErrors } from './define.ts';

/** Codes of the command line, daemon and MCP server. */
export const cliErrors = defineErrors({
  'cli.usage': { status: 400, exit: 2, title: 'The command is not understood.', hint: 'See `caponier --help`.' },
  'cli.no_owner': {
    status: 400,
    exit: 4,
    title: 'There is no owner in this home yet.',
    hint: 'Run `caponier up`, or `caponier join <code>`.',
  },
  'cli.no_daemon': {
    status: 400,
    exit: 4,
    title: 'The daemon of this device does not run.',
    hint: 'Run `caponier up`, or `caponier join <code>` again.',
  },
  'cli.home_taken': {
    status: 400,
    exit: 1,
    title: 'This home belongs to an owner already.',
    hint: 'Join with a code for contacts, or set CAPONIER_HOME to another folder.',
  },
  'cli.not_ready': {
    status: 503,
    exit: 3,
    title: 'Not everything came up in time.',
    hint: 'See `caponier status` and the log: logs/ in the home, or what `up --foreground` wrote (systemd: journalctl -u caponier).',
  },
  'cli.bad_ticket': {
    status: 400,
    exit: 2,
    title: 'This is no address of a relay with its ticket.',
    hint: 'The relay’s operator prints one with `caponier relay ticket`: give all of it, in quotes, or `--relay -` and paste it.',
  },
  'cli.ticket_expired': {
    status: 400,
    exit: 5,
    title: 'The ticket is out of date.',
    hint: 'Ask the relay’s operator for a new one (`caponier relay ticket`), and check the clock of this machine.',
  },
  'cli.other_relay': {
    status: 409,
    exit: 5,
    title: 'The owner of this home has another relay.',
    hint: 'Ask the operator of that relay for a ticket, or set CAPONIER_HOME to another folder for another owner.',
  },
  'cli.no_root': {
    status: 400,
    exit: 5,
    title: 'The owner key is not on this machine.',
    hint: 'Run this where `caponier up` or `caponier recover` was run.',
  },
  'cli.no_file': {
    status: 400,
    exit: 1,
    title: 'The file cannot be read or written.',
    hint: 'Check its name and place.',
  },
  'cli.no_request': {
    status: 404,
    exit: 5,
    title: 'There is no such request, or not one alone.',
    hint: 'See `caponier log` for the ids.',
  },
  'cli.no_policy_text': {
    status: 404,
    exit: 5,
    title: 'This machine did not set the policy, so it has no text of it.',
    hint: 'Run this where it was set.',
  },
  'cli.has_recovery': {
    status: 409,
    exit: 5,
    title: 'This owner has a recovery key already.',
    hint: 'Its 24 words were shown once, when it was made.',
  },
  'cli.wrong_phrase': {
    status: 403,
    exit: 5,
    title: 'These words are not this owner’s.',
    hint: 'Check the words and their order.',
  },
  'cli.no_card': {
    status: 404,
    exit: 5,
    title: 'There is no such card, or not one alone.',
    hint: 'See `caponier asks` for numbers and ids.',
  },
  'cli.no_grant': {
    status: 404,
    exit: 5,
    title: 'There is no such grant, or not one alone.',
    hint: 'See `caponier grant list` for the ids.',
  },
  'cli.no_device': {
    status: 404,
    exit: 5,
    title: 'There is no device of that name.',
    hint: 'See `caponier status` for the names.',
  },
  'shell.not_permitted': {
    status: 403,
    exit: 5,
    title: 'That device may not open a shell here.',
    hint: 'Only controllers of the same owner open shells.',
  },
  'web.no_token': {
    status: 401,
    exit: 5,
    title: 'The page was opened without its token.',
    hint: 'Open the address that `caponier status` prints.',
  },
  'mcp.no_supervisor': {
    status: 400,
    exit: 4,
    title: 'No agent session is running here.',
    hint: 'Start the agent with `caponier run`.',
  },
});
