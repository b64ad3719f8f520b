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
  'mcp.no_supervisor': {
    status: 400,
    exit: 4,
    title: 'No agent session is running here.',
    hint: 'Start the agent with `caponier run`.',
  },
});
