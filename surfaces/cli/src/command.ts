import { Command, type OptionValues } from 'commander';
import { createOutput, type Output } from './terminal/output.ts';

/** What the code of a command is given. */
export interface Run<O extends OptionValues = OptionValues> {
  readonly options: O;
  readonly args: readonly string[];
  readonly output: Output;
}

export interface CommandSpec {
  /** Name and arguments as commander writes them: `send <to> <text...>`. */
  readonly usage: string;
  readonly summary: string;
  /** Longer text of `--help`, under the summary. */
  readonly about?: string;
  /** Flags with their sentence: `['--name <name>', 'what it is called']`. */
  readonly options?: readonly (readonly [flags: string, text: string])[];
  /** Flags that may stand several times. */
  readonly lists?: readonly (readonly [flags: string, text: string])[];
  /** Complete command lines: `--help` prints them, and a test parses each. */
  readonly examples: readonly string[];
  /** Everything after the first argument belongs to the command that is started. */
  readonly passThrough?: boolean;
  /** What does it; loaded when it runs. Absent for a group without a command of its own. */
  readonly action?: (run: Run) => Promise<void>;
  readonly commands?: readonly CommandSpec[];
}

const collect = (value: string, before: readonly string[] | undefined) => [...(before ?? []), value];

/** One paragraph, broken by whoever knows how wide the terminal is. */
const flowing = (text = '') => text.replaceAll('\n', ' ');

/** The commander command of a spec: every one has `--json`, an example, and refuses flags it does not know. */
export function commandOf(spec: CommandSpec): Command {
  const [name, ...args] = spec.usage.split(' ');
  const command = new Command(name).description([spec.summary, flowing(spec.about)].filter(Boolean).join('\n\n'));
  command.summary(spec.summary);
  if (args.length > 0) command.arguments(args.join(' '));
  for (const [flags, text] of spec.options ?? []) command.option(flags, text);
  for (const [flags, text] of spec.lists ?? []) command.option(flags, text, collect);
  command.option('--json', 'print JSON');
  command.helpOption('--help', 'show this help');
  command.addHelpText('after', `\nExample:\n${spec.examples.map((example) => `  $ ${example}`).join('\n')}`);
  command.allowExcessArguments(false).showSuggestionAfterError().exitOverride();
  // Flags belong to the command they stand behind: both a group and its commands know `--json`.
  command.enablePositionalOptions();
  command.configureOutput({ writeErr: () => {} });
  if (spec.passThrough) command.passThroughOptions();
  const { action } = spec;
  if (action) {
    command.action(async () => {
      const options = command.opts();
      await action({ options, args: command.args, output: createOutput(options.json === true) });
    });
  }
  for (const sub of spec.commands ?? []) command.addCommand(commandOf(sub));
  if (spec.commands) command.helpCommand(false);
  return command;
}
