// Keys over REST: for admins only, and the secret is in one answer only.
import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { apiKey, apiKeyCreate, apiKeyCreated, apiKeyPage } from '#protocol';
import type { ApiKey, ApiKeyCreate, ApiKeyCreated } from '#protocol';
import { ApiOperation, ApiResponse, ApiTags } from '../docs/describing.js';
import type { Caller } from '../gateway.js';
import { ApiKeys } from './api-keys.js';
import { CallerOf, Needs } from './roles.js';

@Controller('v1/keys')
@ApiTags('keys')
@Needs('admin')
export class KeysController {
  constructor(private readonly keys: ApiKeys) {}

  @Post()
  @ApiOperation({ summary: 'Make a key; its secret is in this answer only' })
  @ApiResponse({ status: 201, standardSchema: apiKeyCreated })
  create(@CallerOf() { actor }: Caller, @Body({ schema: apiKeyCreate }) body: ApiKeyCreate): Promise<ApiKeyCreated> {
    return this.keys.create(body, actor);
  }

  @Get()
  @ApiOperation({ summary: 'List the keys' })
  @ApiResponse({ status: 200, standardSchema: apiKeyPage })
  async list(): Promise<{ keys: ApiKey[] }> {
    return { keys: await this.keys.list() };
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke a key, at once' })
  @ApiResponse({ status: 204, description: 'Revoked' })
  revoke(@CallerOf() { actor }: Caller, @Param('id', { schema: apiKey.shape.id }) id: string): Promise<void> {
    return this.keys.revoke(id, actor);
  }
}
