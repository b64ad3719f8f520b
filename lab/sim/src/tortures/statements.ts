import { CaponierError } from '@caponier/crypto';
import { type Kind, kinds, verifyStatement } from '@caponier/protocol';
import { approvalFor, bundleOf, makeAgent, makeApproval, makeLife, makeOwner, testSigner } from '@caponier/testkit';
import type { Dice } from '../dice.ts';
import { spoil } from '../mutate.ts';
import { Broken, type Torture } from '../types.ts';

/** How often the statements of one owner are spoiled in a round. */
const triesARound = 400;

/** Statements of many kinds and all three algorithms. */
async function honestStatements(dice: Dice): Promise<string[]> {
  const owner = await makeOwner(`statements ${dice.seed}`);
  const asker = await makeAgent(owner, { depth: 1 + dice.below(3) });
  const life = await makeLife(owner, {
    request: { asker, change: { grant: owner.grants.guarded, class: 'secret', op: 'secret.use', resource: 'bank' } },
    approvals: async (request) => [
      await makeApproval(owner, request),
      owner.passkey.approve(approvalFor(owner, request)),
    ],
  });
  return [...owner.chain.signed.map(({ statement }) => statement.jws), ...bundleOf(life)];
}

/** Never may a text that nobody signed become `Verified`; every refusal has a code. `verify` is what is tortured. */
export function tortureStatements(verify: (jws: string) => unknown): Torture {
  return {
    name: 'statements',
    summary: 'spoiled statements never verify',
    rounds: 200,
    async round(dice) {
      const stranger = testSigner(`stranger ${dice.seed}`);
      const honest = await honestStatements(dice);
      for (const jws of honest) verify(jws);
      for (let i = 0; i < triesARound; i++) {
        const { text, how } = await spoil({ dice, good: dice.pick(honest), other: dice.pick(honest), stranger });
        let verified: boolean;
        try {
          verify(text);
          verified = true;
        } catch (error) {
          if (!(error instanceof CaponierError))
            throw new Broken(`${how}: refused without a code: ${text}`, { cause: error });
          verified = false;
        }
        if (verified) throw new Broken(`${how}: verified: ${text}`);
      }
      return { 'honest statements verified': honest.length, 'spoiled statements refused': triesARound };
    },
  };
}

export default tortureStatements((jws) => verifyStatement(jws, ...(kinds as [Kind, ...Kind[]])));
