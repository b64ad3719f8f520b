import { joinWithCode } from './joining.ts';
import { expect, rootFlag, type Stage } from './stage.ts';

/**
 * The laptop is gone, and with it the owner key. The services live on a box: the phone freezes the laptop within a
 * second, the 24 words make a new owner key, and the laptop is revoked.
 */
export async function lostLaptop(stage: Stage): Promise<void> {
  const host = stage.machine('host');
  const lost = stage.machine('lost');
  const pocket = stage.machine('pocket');

  await host.run('up', '--host', '127.0.0.1', ...rootFlag);
  const { phrase } = await host.ask<{ phrase: string }>('recover', '--new');
  expect(phrase.split(' ').length === 24, 'the phrase has 24 words');
  await joinWithCode(host, lost, ['--controller', '--name', 'lost'], [...rootFlag]);
  await joinWithCode(host, pocket, ['--approver', '--name', 'pocket'], [...rootFlag]);
  await lost.runWith(`${phrase}\n`, 'recover', '--phrase-stdin');
  stage.say('host    up; the laptop and the phone join; the owner key is on the laptop');
  expect((await lost.run('shell', 'host', '--', 'echo', 'ok')).includes('ok'), 'the laptop still reaches the host');

  const begin = Date.now();
  const { missing, slowestMs } = await pocket.ask<{ missing: string[]; slowestMs: number }>(
    'freeze',
    '--device',
    'lost',
  );
  expect(missing.length === 0, 'every service acknowledged the freeze');
  stage.say(
    `phone   caponier freeze --device lost   every service obeys after ${slowestMs} ms (${Date.now() - begin} with the command)`,
  );
  const refused = await lost.finish(['shell', 'host', '--', 'echo', 'still here']);
  expect(refused.code !== 0 && !refused.output.includes('still here'), 'the thief reaches nothing');

  await pocket.runWith(`${phrase}\n`, 'recover', '--phrase-stdin');
  await pocket.run('device', 'revoke', 'lost');
  stage.say('phone   caponier recover               24 words, a new owner key; the old one is worth nothing');
  const stale = await lost.finish(['device', 'revoke', 'pocket']);
  expect(stale.code === 5 || stale.code === 4 || stale.code === 3, 'the old owner key signs nothing any more');
  const { devices } = await pocket.ask<{ devices: { name: string }[] }>('status');
  expect(!devices.some((d) => d.name === 'lost'), 'the laptop is gone from the owner');
  stage.say('phone   caponier device revoke lost    and the laptop is nobody’s');
}
