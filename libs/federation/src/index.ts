// Peers: pairing, keys, links, sessions, the Nest transport, journal and receipts.
export { jointState } from './connections/connection.js';
export type { Connection, HalfState, LinkSetting, PeerIdentity } from './connections/connection.js';
export { JournalSink, JournalSource } from './journal/position.js';
export type { EventAck, EventBatch, JournalPosition } from './journal/position.js';
export { Link } from './links/link.js';
export type { LinkClosed } from './links/link.js';
