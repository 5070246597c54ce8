// The instance's own keys over REST: anybody with a key may look, admins change.
import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import {
  keyRevoke,
  keyRotate,
  peerKeysLearned,
  peerStatement,
  rootPark,
  rootParked,
  signingKeys,
  statementAdopt,
} from '#protocol';
import type { KeyRevoke, KeyRotate, PeerKeysLearned, PeerStatementGiven, SigningKeys, StatementAdopt } from '#protocol';
import { ApiOperation, ApiResponse, ApiTags } from '../docs/describing.js';
import type { Caller } from '../gateway.js';
import { CallerOf, Needs } from '../keys/roles.js';
import { SigningService } from './signing.service.js';

@Controller('v1/identity')
@ApiTags('identity')
export class SigningController {
  constructor(private readonly signing: SigningService) {}

  @Get()
  @ApiOperation({ summary: 'The public keys of this instance, their statement, and until when it holds' })
  @ApiResponse({ status: 200, standardSchema: signingKeys })
  show(): SigningKeys {
    return this.signing.shown();
  }

  @Post('rotate')
  @HttpCode(200)
  @Needs('admin')
  @ApiOperation({ summary: 'Sign with a new key; the one before goes on verifying for ten minutes' })
  @ApiResponse({ status: 200, standardSchema: signingKeys })
  rotate(@CallerOf() { actor }: Caller, @Body({ schema: keyRotate }) body: KeyRotate): Promise<SigningKeys> {
    return this.signing.rotate(body, actor);
  }

  @Post('revoke')
  @HttpCode(200)
  @Needs('admin')
  @ApiOperation({ summary: 'Revoke a key, at once; when it is the one that signs, a new one takes its place' })
  @ApiResponse({ status: 200, standardSchema: signingKeys })
  revoke(@CallerOf() { actor }: Caller, @Body({ schema: keyRevoke }) body: KeyRevoke): Promise<SigningKeys> {
    return this.signing.revoke(body, actor);
  }

  @Post('statement')
  @HttpCode(200)
  @Needs('admin')
  @ApiOperation({ summary: 'Take a key statement that the root signed elsewhere' })
  @ApiResponse({ status: 200, standardSchema: signingKeys })
  adopt(@CallerOf() { actor }: Caller, @Body({ schema: statementAdopt }) body: StatementAdopt): Promise<SigningKeys> {
    return this.signing.adopt(body, actor);
  }

  @Post('peer')
  @HttpCode(200)
  @Needs('admin')
  @ApiOperation({ summary: 'Take the newest key statement of a peer, which people brought because no link does' })
  @ApiResponse({ status: 200, standardSchema: peerKeysLearned })
  learn(
    @CallerOf() { actor }: Caller,
    @Body({ schema: peerStatement }) body: PeerStatementGiven,
  ): Promise<PeerKeysLearned> {
    return this.signing.learn(body, actor);
  }

  @Post('park')
  @HttpCode(200)
  @Needs('admin')
  @ApiOperation({ summary: 'Lay the root key out beside the others, for its admin to take it off this machine' })
  @ApiResponse({ status: 200, standardSchema: rootParked })
  park(@CallerOf() { actor }: Caller, @Body({ schema: rootPark }) { reason }: { reason: string }) {
    return this.signing.park(reason, actor);
  }
}
