/** The walls between modules (docs/architecture.md). Each rule has a test that it bites: test/walls.test.ts. */

const src = (folder) => `^${folder}/src/`;
const foundationModules = ['crypto', 'protocol', 'session', 'tlog', 'policy', 'verify', 'store', 'host'];
/** What each foundation module may import besides itself. */
const mayImport = {
  crypto: [],
  protocol: ['crypto'],
  session: ['crypto', 'protocol'],
  tlog: ['crypto', 'protocol'],
  policy: ['crypto', 'protocol'],
  verify: ['crypto', 'protocol', 'session', 'tlog', 'policy'],
  store: ['crypto', 'protocol'],
  host: ['crypto', 'protocol'],
};

module.exports = {
  forbidden: [
    {
      name: 'no-domain-to-domain',
      comment: 'A worker that could import the broker could trust it. Domains meet over the wire and in surfaces/cli.',
      severity: 'error',
      from: { path: '^domains/([^/]+)/src/' },
      to: { path: '^domains/', pathNot: '^domains/$1/' },
    },
    {
      name: 'foundation-is-isomorphic',
      comment: 'All of foundation but store and host runs in browsers too: no node:* outside the Node backends.',
      severity: 'error',
      from: {
        path: '^foundation/(crypto|protocol|session|tlog|policy|verify)/src/',
        pathNot: '^foundation/(crypto|policy)/src/node/',
      },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'foundation-imports-nothing-above',
      severity: 'error',
      from: { path: '^foundation/[^/]+/src/' },
      to: { path: '^(domains|surfaces|lab|journeys)/' },
    },
    ...foundationModules.map((name) => ({
      name: `foundation-goes-one-way-${name}`,
      severity: 'error',
      from: { path: src(`foundation/${name}`) },
      to: {
        path: '^foundation/',
        pathNot: `^foundation/(${[name, ...mayImport[name]].join('|')})/`,
      },
    })),
    {
      name: 'domains-know-no-surface',
      severity: 'error',
      from: { path: '^domains/[^/]+/src/' },
      to: { path: '^(surfaces|lab|journeys)/' },
    },
    {
      name: 'surfaces-but-cli-know-no-domain',
      comment: 'Only the command line composes services.',
      severity: 'error',
      from: { path: '^surfaces/(sdk|daemon|mcp|web)/src/' },
      to: { path: '^domains/' },
    },
    {
      name: 'sdk-is-isomorphic',
      comment: 'Programs import the sdk in Node and in browsers.',
      severity: 'error',
      from: { path: '^surfaces/(sdk|web)/src/', pathNot: '^surfaces/sdk/src/transport/node' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'sdk-stands-on-isomorphic-foundation',
      severity: 'error',
      from: { path: '^surfaces/(sdk|web)/src/' },
      to: { path: '^foundation/(store|host)/' },
    },
    {
      name: 'nothing-ships-the-lab',
      severity: 'error',
      from: { path: '^(foundation|domains|surfaces)/[^/]+/src/' },
      to: { path: '^(lab|journeys)/' },
    },
    { name: 'no-circular', severity: 'error', from: { pathNot: 'node_modules' }, to: { circular: true } },
    {
      name: 'not-to-unresolvable',
      severity: 'error',
      from: {},
      // An import condition without a file for Node is resolved in browsers only.
      to: { couldNotResolve: true, pathNot: '^#' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|build)/|^surfaces/web/assets/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
