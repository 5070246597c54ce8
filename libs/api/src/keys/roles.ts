// Roles: what a handler asks of its caller, as a decorator. A handler that says nothing asks for a viewer.
import { applyDecorators, createParamDecorator, Injectable, SetMetadata } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { RouteConfig } from '@nestjs/platform-fastify';
import { roles, WritError } from '#protocol';
import type { Role } from '#protocol';
import type { FastifyRequest } from 'fastify';
import { ApiSecurity } from '../docs/describing.js';
import type { Caller } from '../gateway.js';

const roleKey = 'writ:role';
const publicKey = 'writ:public';

/** The least role that may call this handler. */
export const Needs = (role: Role) => applyDecorators(SetMetadata(roleKey, role), ApiSecurity('key', [role]));

/** Answers without a key. */
export const Public = () => applyDecorators(SetMetadata(publicKey, true), RouteConfig({ public: true }));

/** Signs somebody in who comes from a page of ours, or from an issuer; a few times a minute. */
export const SignsIn = (from: 'page' | 'issuer') =>
  applyDecorators(SetMetadata(publicKey, true), RouteConfig({ public: true, signsIn: from }));

/** Exempt from rate limits: kill and its like. */
export const Unlimited = () => RouteConfig({ unlimited: true });

/** The caller as a parameter of a handler. */
export const CallerOf = createParamDecorator((_data: unknown, context: ExecutionContext): Caller => {
  return callerOf(context.switchToHttp().getRequest<FastifyRequest>());
});

function callerOf(request: FastifyRequest): Caller {
  if (!request.caller) throw new WritError('unauthenticated', 'This needs an API key.');
  return request.caller;
}

@Injectable()
export class RolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    const targets = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean | undefined>(publicKey, targets)) return true;
    const needed = this.reflector.getAllAndOverride<Role | undefined>(roleKey, targets) ?? 'viewer';
    const caller = callerOf(context.switchToHttp().getRequest<FastifyRequest>());
    refuseRole(caller, needed);
    return true;
  }
}

/** @throws WritError `forbidden` */
export function refuseRole({ role }: Caller, needed: Role): void {
  if (roles.indexOf(role) >= roles.indexOf(needed)) return;
  throw new WritError('forbidden', `This needs the role ${needed}; the key has ${role}.`);
}
