import { firstMinute } from './1-first-minute.ts';
import { keyNeverHeld } from './2-key-never-held.ts';
import { twoStrangers } from './3-two-strangers.ts';
import { lostLaptop } from './4-lost-laptop.ts';
import { auditor } from './5-auditor.ts';
import { keepRegistry } from './attacks/rolled-back.ts';
import type { Stage } from './stage.ts';

/** The five journeys in their order; the fifth audits what the second did. */
export const journeys: readonly { readonly title: string; run(stage: Stage): Promise<void> }[] = (() => {
  let request = '';
  return [
    { title: 'The first minute', run: firstMinute },
    {
      title: 'The key it never held',
      run: async (stage) => {
        // For the last of the attacks: what happens from here on is missing in this copy.
        keepRegistry(stage);
        request = await keyNeverHeld(stage);
      },
    },
    { title: 'Two strangers’ agents talk', run: twoStrangers },
    { title: 'The lost laptop', run: lostLaptop },
    { title: 'The auditor', run: (stage) => auditor(stage, request) },
  ];
})();
