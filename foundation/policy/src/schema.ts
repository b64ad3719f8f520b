/**
 * The Cedar schema of Caponier, version 1. It never changes: a capsule made today must evaluate the same in ten years. A
 * new fact comes as version 2, named in `PolicyFacts.v`, with this one kept.
 *
 * - `principal`: the agent by its name on a device (`Agent::"claude@box"`), or the device by its key where it asks for its
 *   person; both are in their `Device` and `Owner`. Those of a contact are named `<owner>/claude@box`.
 * - `action`: the operation (`Action::"secret.use"`), in the group of its first word (`Action::"secret"`).
 * - `resource`: what is acted on; `principal in resource.owner` tells one's own from contacts. `host`, `method` and `payee` are there when the body names them.
 * - `context`: see the members. `left` has a tag for each budget of the policy: what is left, in smallest units.
 */
const fixed = `
entity Owner;
entity Device in [Owner] = { "name": String, "role": String };
entity Agent in [Device] = { "name": String };
entity Resource = { "name": String, "class": String, "owner": Owner, "host"?: String, "method"?: String, "payee"?: String };
entity Budgets tags Long;
type Money = { "units": Long, "currency": String };
type Context = {
  "operation": String,
  "grant": String,
  "purpose": String,
  "time": datetime,
  "approvals": Long,
  "amount"?: Money,
  "left": Budgets,
  "custody": String,
};
`;

/** Stands for every operation the policy does not name. No operation can be called so. */
const otherAction = '*';

/** What an operation may be called; `foundation/protocol` has the same form in requests and grants. */
export const operationForm = /^[a-z][a-z0-9-]{0,31}(\.[a-z][a-z0-9-]{0,31})?$/;

const groupOf = (operation: string): string => operation.split('.')[0] ?? operation;

/**
 * The schema for one policy: its actions are the operations that this policy names, each in the group of its first word,
 * one more for the rest of each group, and `*`. So the meaning of a text depends on nothing but the text: no table of
 * operations, which grows from release to release, takes part.
 */
export interface PolicySchema {
  readonly text: string;
  /** The action that stands for an operation. */
  actionOf(operation: string): string;
}

/** `named` holds operations in their form. */
export function schemaFor(named: ReadonlySet<string>): PolicySchema {
  const groups = new Set([...named].map(groupOf));
  const members = new Set([...named].filter((name) => name.includes('.')));
  const applies = 'appliesTo { principal: [Agent, Device], resource: [Resource], context: Context };';
  const lines = [...groups, otherAction].sort().map((name) => `action ${JSON.stringify(name)} ${applies}`);
  const rests = [...groups].map((group) => `${group}.*`);
  for (const name of [...members, ...rests].sort()) {
    lines.push(`action ${JSON.stringify(name)} in [${JSON.stringify(groupOf(name))}] ${applies}`);
  }
  return {
    text: `${fixed}${lines.join('\n')}\n`,
    actionOf: (operation) => {
      if (groups.has(operation) || members.has(operation)) return operation;
      return groups.has(groupOf(operation)) ? `${groupOf(operation)}.*` : otherAction;
    },
  };
}
