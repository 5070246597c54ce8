// The mandatory requirements of the official compatibility kit of A2A (a2a-tck, branch 1.0-dev, May 2026): those that a hub's cards make
// ours, each cited in the title of a test of A2A, and those that they do not, with the reason.

export const mandatory: readonly string[] = [
  ...['CARD-DISC-001', 'CARD-PROTO-001', 'CARD-PROTO-002', 'CARD-STRUCT-001'],
  ...['CARD-SIGN-001', 'CARD-SIGN-002', 'CARD-SIGN-003', 'CARD-SIGN-004'],
  ...['AUTH-SERVER-002', 'AUTH-INTASK-001', 'AUTH-INTASK-003', 'AUTH-INTASK-004'],
  ...['AUTH-SCOPE-001', 'AUTH-SCOPE-002', 'AUTH-SCOPE-003'],
  ...['HTTP_JSON-URL-001', 'HTTP_JSON-URL-002', 'HTTP_JSON-SVC-001', 'HTTP_JSON-SVC-002', 'HTTP_JSON-QP-001'],
  ...['HTTP_JSON-ERR-001', 'HTTP_JSON-ERR-002', 'HTTP_JSON-STATUS-001', 'HTTP_JSON-SSE-001'],
  ...['JSONRPC-FMT-001', 'JSONRPC-FMT-002', 'JSONRPC-SVC-001', 'JSONRPC-SVC-002'],
  ...['JSONRPC-ERR-001', 'JSONRPC-ERR-002', 'JSONRPC-ERR-003', 'JSONRPC-SSE-001', 'JSONRPC-SSE-002'],
  ...['CORE-SEND-001', 'CORE-SEND-002', 'CORE-SEND-003', 'CORE-STREAM-001', 'CORE-STREAM-003'],
  ...[
    'CORE-GET-001',
    'CORE-GET-002',
    'CORE-LIST-001',
    'CORE-LIST-002',
    'CORE-LIST-003',
    'CORE-LIST-004',
    'CORE-LIST-005',
  ],
  ...['CORE-CANCEL-001', 'CORE-CANCEL-002', 'CORE-CANCEL-003', 'CORE-EXECUTION-MODE-001', 'CORE-EXECUTION-MODE-002'],
  ...['CORE-ERR-001', 'CORE-ERR-002', 'CORE-CAP-001', 'CORE-CAP-003', 'CORE-HIST-002'],
  ...['CORE-MULTI-001a', 'CORE-MULTI-002a', 'CORE-MULTI-003', 'CORE-MULTI-004', 'CORE-MULTI-005', 'CORE-MULTI-006'],
  ...['DM-TASK-001', 'DM-TASK-002', 'DM-MSG-001', 'DM-MSG-002', 'DM-PART-001', 'DM-ART-001', 'DM-STATUS-001'],
  ...['DM-SERIAL-001', 'DM-SERIAL-002', 'DM-SERIAL-003', 'DM-SERIAL-004'],
  ...['BIND-EQUIV-001', 'BIND-EQUIV-002', 'BIND-EQUIV-003', 'BIND-EQUIV-004', 'BIND-FIELD-001'],
  ...['PUSH-CREATE-001', 'PUSH-CREATE-002', 'PUSH-GET-001', 'PUSH-GET-002', 'PUSH-LIST-001'],
  ...['PUSH-DEL-001', 'PUSH-DEL-002', 'PUSH-DELIVER-001', 'PUSH-DELIVER-002', 'PUSH-DELIVER-003'],
  ...['STREAM-ORDER-001', 'STREAM-ORDER-002', 'STREAM-ORDER-003', 'STREAM-ORDER-004'],
  ...['STREAM-SUB-001', 'STREAM-SUB-002', 'STREAM-SUB-003', 'STREAM-SUB-004'],
  ...['VER-CLIENT-001', 'VER-CLIENT-002', 'VER-SERVER-001', 'VER-SERVER-002', 'VER-SERVER-003'],
];

/** Mandatory under a condition that a hub does not meet. */
export const beyond: Readonly<Record<string, string>> = {
  'CARD-EXT-001': 'The cards declare no extended card.',
  'CARD-EXT-002': 'The cards declare no extended card.',
  'AUTH-TLS-001': 'Hub and spoke speak plain HTTP; TLS is in front of them (docs/operations.md).',
  'AUTH-INTASK-002':
    'No authorization is asked of the client: a person of the spoke answers, and the task is INPUT_REQUIRED.',
  'CORE-STREAM-002': 'Every message becomes a task; no message is answered with a message.',
  'CORE-CAP-002': 'The cards declare streaming.',
  'CORE-CAP-004': 'The cards require no extension.',
};
