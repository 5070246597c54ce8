// Ground: what two instances, and an instance and its users, say to each other. No Nest, no I/O.
export { describeError, errorCodes, problemOf, WritError } from './errors.js';
export type { ErrorCode, ErrorContext, Problem } from './errors.js';
export { actor } from './actor.js';
export type { Actor } from './actor.js';
export { coversAnyHost, egressHost } from './egress.js';
export {
  activity,
  agentContext,
  agentOptions,
  agentResource,
  agentResult,
  agentState,
  agentStates,
  agentType,
  agentTypes,
  cleanup,
  cleanupSteps,
  exitReason,
  exitReasons,
  finding,
  isTerminal,
  itemAnswer,
  limits,
  sandboxLevel,
  sandboxLevels,
  spawnArgs,
  turnEnd,
  turns,
} from './agent.js';
export type {
  AgentResource,
  AgentResult,
  AgentState,
  AgentType,
  Cleanup,
  ExitReason,
  GateReport,
  Limits,
  SandboxLevel,
  SecretFound,
  SpawnArgs,
  TurnEnd,
} from './agent.js';
export type { AuditFault, AuditFinding } from './audit/finding.js';
export {
  auditCut,
  auditEnd,
  auditHeader,
  auditLineMax,
  auditRow,
  auditStart,
  receiptKinds,
  receiptText,
} from './audit/format.js';
export type {
  AuditCut,
  AuditEnd,
  AuditHeader,
  AuditPosition,
  AuditRow,
  ReceiptKind,
  ReceiptText,
} from './audit/format.js';
export { surveyAudit } from './audit/survey.js';
export type { AuditSource } from './audit/survey.js';
export { verifyAudit } from './audit/verify.js';
export type { AuditReport } from './audit/verify.js';
export { authoritiesIn } from './authorities.js';
export { agentRef, bundleHeadBytesMax, checkBundle } from './bundle.js';
export type { BundleFacts } from './bundle.js';
export { decodeBase64url, encodeBase64url } from './base64url.js';
export { chainNext, chainOver, chainStart } from './chain.js';
export {
  commandBytes,
  commandBytesMax,
  commandClaims,
  commandEntry,
  commandResult,
  commandsMax,
  idkFits,
  messageErrors,
  messageKind,
  resultClaims,
} from './claims.command.js';
export type { CommandClaims, CommandEntry, CommandResult, MessageError, ResultClaims } from './claims.command.js';
export { ackClaims, checkpointClaims, eventBytesMax, eventClaims, eventsMax } from './claims.journal.js';
export type { AckClaims, CheckpointClaims, EventClaims } from './claims.journal.js';
export {
  halfState,
  helloClaims,
  journalPosition,
  keysClaims,
  pairingLink,
  pairRequestClaims,
  pairResponseClaims,
} from './claims.peer.js';
export type { HelloClaims, KeysClaims, PairRequestClaims, PairResponseClaims } from './claims.peer.js';
export { messageRef } from './envelope.js';
export type { MessageRef } from './envelope.js';
export { agentEvent, eventTypes } from './events.js';
export type { AgentEvent, EventData, EventType } from './events.js';
export { checkpointsTaken, namesNeeded, namesOfHub, namesOfSpoke, shownGrant } from './features.js';
export { grant, pattern } from './grant.js';
export type { Grant, GrantInput } from './grant.js';
export { grantChanges } from './grant.changes.js';
export type { GrantChange, GrantEffect } from './grant.changes.js';
export { grantJsonSchema, readGrant } from './grant.schema.js';
export type { GrantFault, GrantReading, GrantSchema } from './grant.schema.js';
export { agentIdOf, newNonce } from './ids.js';
export { decodeInvite, encodeInvite, inviteContent, inviteLifetimeS } from './invite.js';
export type { InviteContent } from './invite.js';
export { formatJson, JsonFault, parseJson } from './json.js';
export { messageBytesMax, messageTypes, openJws, peekHeader, peekKid, signingInputHashOf, signJws } from './jws.js';
export type { MessageType, OpenedJws, PeekedHeader } from './jws.js';
export { publicJwk, SigningKey, thumbprintOf, VerifyingKey } from './keys.js';
export type { KeyAlgorithm, PrivateJwk, PublicJwk } from './keys.js';
export {
  agentId,
  branchName,
  commitHash,
  idempotencyKey,
  nonce128,
  profileName,
  repositoryUrl,
  runtimeName,
  sha256Hash,
  spokeName,
  taskId,
  thumbprint,
} from './names.js';
export { mergedKills } from './kills.js';
export {
  bundlePieceBytesMax,
  checkpoint,
  killReport,
  operation,
  operationName,
  operationNames,
  restored,
  turnInput,
  turnTaken,
} from './operations.js';
export type {
  KillReport,
  OperationArgs,
  OperationBody,
  OperationKind,
  OperationName,
  CheckpointResource,
  Restored,
  TurnTaken,
} from './operations.js';
export { checkpointList, closeQuery, restoreRequest, turnRequest } from './rest.sessions.js';
export { poolResource } from './rest.pool.js';
export type { PoolResource } from './rest.pool.js';
export {
  agentListQuery,
  agentPage,
  check,
  diffResource,
  eventCursor,
  eventMessage,
  eventQuery,
  instanceResource,
  readiness,
  killBody,
  killOutcome,
  killScope,
  latch,
  latchPage,
  outputPiece,
  outputQuery,
  pageCursor,
  pageLimit,
  pendingCommand,
  problem,
  reason,
  reasonBody,
  spawnRequest,
} from './rest.js';
export { agentCounts, killSelected, labels, spokeRef, spokeSelector, staleSpoke, unanswered } from './selection.js';
export type { AgentCounts, AgentCountsResource, KillSelected, Labels, SpokeSelector } from './selection.js';
export type {
  AgentListQuery,
  AgentPageResource,
  Check,
  InstanceResource,
  Readiness,
  KillBody,
  KillOutcomeResource,
  LatchBody,
  SpawnRequestBody,
} from './rest.js';
export {
  command,
  commandListQuery,
  commandPage,
  commandStates,
  connectionAct,
  connectionClose,
  grantChange,
  grantEdit,
  grantEdited,
  grantEditQuery,
  grantVersion,
  heldGrant,
  hub,
  hubInspect,
  hubJoin,
  hubPage,
  invite,
  inviteCreate,
  labelsEdit,
  inviteCreated,
  inviteDetails,
  invitePage,
  spoke,
  spokePage,
} from './rest.peers.js';
export type {
  Command,
  CommandListQuery,
  CommandPage,
  ConnectionAct,
  ConnectionClose,
  GrantEdit,
  GrantEdited,
  GrantVersion,
  HeldGrant,
  Hub,
  HubJoin,
  Invite,
  InviteCreate,
  LabelsEdit,
  InviteCreated,
  InviteDetails,
  Spoke,
} from './rest.peers.js';
export { addUsage, noUsage, usage } from './usage.js';
export type { Usage } from './usage.js';
export { usageQuery, usageReport } from './rest.usage.js';
export type { UsageQuery, UsageReport } from './rest.usage.js';
export { openPairing, pairingMac, pairingMacMatches } from './pairing.js';
export type { PairingParts, PairingRole } from './pairing.js';
export { compilePattern, coversPattern } from './pattern.js';
export type { Matcher } from './pattern.js';
export { agentBranch, defaultRuntime, effectiveLimits, effectiveSandbox, permits, pushPermit } from './permits.js';
export type { Denial, Permission, PushPermit } from './permits.js';
export { question, questionAnswer, questionKinds, questionOption } from './question.js';
export type { Question, QuestionAnswer } from './question.js';
export { answerBody, openQuestion, questionPage } from './rest.questions.js';
export type { AnswerBody, OpenQuestion } from './rest.questions.js';
export { agentReport, reportOf, reportText } from './report.js';
export type { AgentReport } from './report.js';
export { RefusedError } from './refused.js';
export {
  issueKeyStatement,
  KeyStatement,
  openKeyStatement,
  signStatementDraft,
  statementDraft,
  statementGraceS,
} from './statement.js';
export type { Revocation, StatementContent, StatementDraft, StatementKey } from './statement.js';
export { checkTimes, clockDifferenceS, commandLifetimeS, lifetimeMaxS, skewS } from './times.js';
export { fingerprintWords } from './words.js';
export { apiKey, apiKeyCreate, apiKeyCreated, apiKeyPage, apiKeyText, newApiKey, role, roles } from './rest.keys.js';
export type { ApiKey, ApiKeyCreate, ApiKeyCreated, Role } from './rest.keys.js';
export {
  keyAlgorithm,
  keyRevoke,
  keyRotate,
  peerKeysLearned,
  peerStatement,
  rootPark,
  rootParked,
  signingKeys,
  statementAdopt,
} from './rest.signing.js';
export { csrfHeader, sessionResource, signIn, signInWays } from './rest.session.js';
export type { SessionResource, SignIn, SignInWays } from './rest.session.js';
export { grantCheck, grantFaults, grantSchemaResource, type GrantFaults } from './rest.grants.js';
export { alarm, alarmPage, alarmProof, auditQuery, type AlarmProof, type AlarmResource } from './rest.audit.js';
export { auditRowsPage, auditRowsQuery, auditVerification } from './rest.audit.rows.js';
export type { AuditRowsPage, AuditRowsQuery } from './rest.audit.rows.js';
export type {
  KeyRevoke,
  KeyRotate,
  PeerKeysLearned,
  PeerStatementGiven,
  RootParked,
  SigningKeys,
  StatementAdopt,
} from './rest.signing.js';
export { drainBody, drainState } from './rest.drain.js';
export type { DrainBody, DrainState } from './rest.drain.js';
export { backupMade } from './rest.backup.js';
export type { BackupMade } from './rest.backup.js';
export { gcBody, gcItem, gcReport, gcWork } from './rest.gc.js';
export type { GcBody, GcItem, GcReport, GcRequest, GcWork } from './rest.gc.js';
