import { describe, expect, test } from 'vitest';
import { type CommandSpec, commandOf, type Run } from '../src/command.ts';
import { commandSpecs } from '../src/program.ts';

/** Every command with the words that lead to it. */
function all(specs: readonly CommandSpec[], path: readonly string[] = []): { path: string[]; spec: CommandSpec }[] {
  return specs.flatMap((spec) => {
    const here = [...path, spec.usage.split(' ')[0]!];
    return [{ path: here, spec }, ...all(spec.commands ?? [], here)];
  });
}

const commands = all(commandSpecs);

/** The same command, doing nothing but telling what it was given. */
function quiet(spec: CommandSpec, ran: (path: string[], run: Run) => void, path: readonly string[] = []): CommandSpec {
  const here = [...path, spec.usage.split(' ')[0]!];
  const { commands: subs, action, ...rest } = spec;
  return {
    ...rest,
    ...(action && { action: async (run: Run) => ran(here, run) }),
    ...(subs && { commands: subs.map((sub) => quiet(sub, ran, here)) }),
  };
}

/** The words of an example's own part of a pipeline, as a shell would split them. */
function wordsOf(example: string): string[] {
  const part = example.split(' | ').find((piece) => piece.trim().startsWith('caponier '))!;
  const typed = part.replace(/ [<>] \S+$/, '');
  return [...typed.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '').slice(1);
}

describe.each(commands.map(({ path, spec }) => [path.join(' '), path, spec] as const))('%s', (name, path, spec) => {
  test('has help with an example, and knows --json', () => {
    const command = path
      .slice(1)
      .reduce(
        (at, word) => at.commands.find((sub) => sub.name() === word)!,
        commandOf(commandSpecs.find((top) => top.usage.split(' ')[0] === path[0])!),
      );
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text) });
    command.outputHelp();
    expect(help).toContain('Example:\n  $ caponier ');
    expect(help).toContain(`caponier ${name.split(' ')[0]}`);
    expect(help).toContain('--json');
    expect(help).toContain('--help');
    for (const line of help.split('\n')) expect(line.length, line).toBeLessThanOrEqual(110);
  });

  test('its examples are understood as this command', async () => {
    expect(spec.examples.length).toBeGreaterThan(0);
    for (const example of spec.examples) {
      const words = wordsOf(example);
      const seen: string[][] = [];
      const top = commandSpecs.find(({ usage }) => usage.split(' ')[0] === words[0])!;
      const command = commandOf(quiet(top, (ran) => seen.push(ran)));
      await command.parseAsync(words.slice(1), { from: 'user' });
      expect(seen[0]?.slice(0, path.length), example).toEqual(path);
    }
  });

  test('refuses a flag that it does not know', async () => {
    const top = commandSpecs.find(({ usage }) => usage.split(' ')[0] === path[0])!;
    const command = commandOf(quiet(top, () => {}));
    const args = [...path.slice(1), '--flag-that-nobody-knows'];
    await expect(command.parseAsync(args, { from: 'user' })).rejects.toThrow(/unknown option|missing|help/);
  });
});

test('the first help shows twelve verbs, and no command is there twice', () => {
  const names = commandSpecs.map(({ usage }) => usage.split(' ')[0]);
  expect(new Set(names).size).toBe(names.length);
  expect(names.slice(0, 12)).toEqual('up add join status shell run send secret asks freeze log verify'.split(' '));
});
