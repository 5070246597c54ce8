// The house: which room may look into which. Every arrow points down; no circles.
const layers = {
  'libs/protocol': [],
  'libs/store': [],
  'libs/tracing': [],
  'libs/client': ['libs/protocol'],
  'libs/api': ['libs/protocol', 'libs/store', 'libs/tracing'],
  'libs/federation': ['libs/protocol', 'libs/store', 'libs/tracing'],
  'libs/agents': ['libs/protocol', 'libs/store', 'libs/tracing'],
  'apps/hub': ['libs/protocol', 'libs/store', 'libs/tracing', 'libs/api', 'libs/federation'],
  'apps/spoke': ['libs/protocol', 'libs/store', 'libs/tracing', 'libs/api', 'libs/federation', 'libs/agents'],
  'apps/cli': ['libs/protocol', 'libs/client'],
  'apps/console': ['libs/protocol'],
  'apps/understudy': [],
};

const below = Object.entries(layers).map(([room, allowed]) => ({
  name: `layer: ${room} → ${allowed.join(', ') || 'nothing'}`,
  severity: 'error',
  from: { path: `^${room}/`, pathNot: '\\.(spec|contract)\\.ts$' },
  to: { path: '^(apps|libs|test)/', pathNot: `^(${[room, ...allowed].join('|')})/` },
}));

module.exports = {
  forbidden: [
    ...below,
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'through the face: a lib is entered by its index.ts',
      severity: 'error',
      from: { path: '^(apps|libs)/([^/]+)/' },
      to: { path: '^libs/([^/]+)/src/', pathNot: ['^libs/$2/', '^libs/[^/]+/src/index\\.ts$'] },
    },
    {
      name: 'a browser loads nothing of ours but the console: of the protocol it knows the types',
      severity: 'error',
      from: { path: '^apps/console/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^libs/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'a face knows no store: MCP and A2A stand on the gateway',
      severity: 'error',
      from: { path: '^libs/api/src/(mcp|a2a)/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^libs/store/' },
    },
    {
      name: 'protocol has no Nest',
      severity: 'error',
      from: { path: '^libs/protocol/' },
      to: { path: 'node_modules/@nestjs' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: 'dist' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'node', 'default'],
      extensions: ['.ts', '.tsx', '.js', '.mjs'],
    },
  },
};
