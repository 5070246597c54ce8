// Where a log begins and ends: that nothing is missing before the first row, and that the last is the one that was signed.
import { RefusedError } from '../refused.js';
import type { Findings } from './finding.js';
import { auditStart, type AuditPosition } from './format.js';
import { readMessage, UnknownKeyError, type Said } from './messages.js';
import type { Survey } from './survey.js';

/** Rows that are gone from the beginning are told by a row that says so. */
export function checkBase({ header, cuts, parties }: Survey, findings: Findings): void {
  const { n, h } = header.base;
  if (n === 0 && h !== auditStart(parties.con))
    findings.add({ fault: 'edited', line: 1, detail: 'The log of this connection does not begin so.' });
  if (n === 0 || cuts.some((cut) => cut.n === n && cut.h === h)) return;
  const detail = `Rows 1 to ${n} were dropped: no row says that they were let go.`;
  findings.add({ fault: 'dropped', line: 1, row: 1, detail });
}

/** `last`: the row that the chain ends with; `surplus`: rows beyond those that the signed end counts. */
export function checkEnd(survey: Survey, findings: Findings, last: AuditPosition, surplus: number): void {
  const { end, endLine: line } = survey;
  if (end) {
    checkSigned(survey, findings, { last, surplus, end: end.end, token: end.checkpoint });
    return;
  }
  const detail = `The file was cut off after row ${last.n}: its end is missing.`;
  findings.add({ fault: 'cut', line, row: last.n + 1, detail });
}

interface SignedEnd {
  readonly last: AuditPosition;
  readonly surplus: number;
  readonly end: AuditPosition;
  readonly token: string;
}

function checkSigned(survey: Survey, findings: Findings, { last, surplus, end, token }: SignedEnd): void {
  const { parties, statements, header, endLine: line } = survey;
  const signed = holdsAs(() => readMessage(token, 'checkpoint', parties, statements), parties[header.by], end);
  if (signed === 'no') {
    badEnd(findings, line);
    return;
  }
  checkReached(findings, { last, surplus, end, line });
  // The statement that names its key may be in a row that is gone: then that was said already.
  if (signed === 'unknown' && findings.count === 0) badEnd(findings, line);
}

function badEnd(findings: Findings, line: number): void {
  const detail = 'The last line was edited: it is not what the side whose log it is signed.';
  findings.add({ fault: 'edited', line, detail });
}

function checkReached(findings: Findings, at: Omit<SignedEnd, 'token'> & { readonly line: number }): void {
  const { last, surplus, line } = at;
  const { n, h } = at.end;
  if (last.n < n) {
    findings.add({ fault: 'cut', line, row: last.n + 1, detail: `Rows ${last.n + 1} to ${n} were cut off.` });
    return;
  }
  if ((last.n === n && last.h === h) || findings.count > 0) return;
  const detail = `The log does not end in row ${n} as it was signed.`;
  findings.add({ fault: surplus > 0 ? 'added' : 'edited', line, row: n, detail });
}

function holdsAs(read: () => Said, by: string, { n, h }: AuditPosition): 'yes' | 'no' | 'unknown' {
  try {
    const { iss, claims } = read();
    return iss === by && claims['n'] === n && claims['h'] === h ? 'yes' : 'no';
  } catch (error) {
    if (error instanceof UnknownKeyError) return 'unknown';
    if (error instanceof RefusedError) return 'no';
    throw error;
  }
}
