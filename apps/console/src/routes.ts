// Every page of the console: where it is, who sees it, on which kind of instance. A page is loaded when it is first shown.
import type { ComponentType } from 'preact';
import type { Role } from '#protocol';
import type { IconName } from './parts/icon.js';
import type { PageProps } from './routing/page-props.js';

export interface Route {
  /** Below `/console`: `/agents/:id`. */
  readonly path: string;
  readonly title: string;
  readonly on: readonly ('hub' | 'spoke')[];
  /** The least role that it is of use to. */
  readonly role: Role;
  /** How it stands in the navigation; absent for pages that one comes to from others. */
  readonly icon?: IconName;
  readonly load: () => Promise<{ readonly default: ComponentType<PageProps> }>;
}

export const routes: readonly Route[] = [
  {
    path: '/',
    title: 'Fleet',
    on: ['hub'],
    role: 'viewer',
    icon: 'fleet',
    load: () => import('./pages/fleet/fleet.js'),
  },
  {
    path: '/',
    title: 'Overview',
    on: ['spoke'],
    role: 'viewer',
    icon: 'fleet',
    load: () => import('./pages/overview/overview.js'),
  },
  {
    path: '/instance',
    title: 'Instance',
    on: ['hub'],
    role: 'viewer',
    icon: 'instance',
    load: () => import('./pages/overview/overview.js'),
  },
  {
    path: '/agents',
    title: 'Agents',
    on: ['hub', 'spoke'],
    role: 'viewer',
    icon: 'agents',
    load: () => import('./pages/agents/agents.js'),
  },
  {
    path: '/agents/:id',
    title: 'Agent',
    on: ['hub', 'spoke'],
    role: 'viewer',
    load: () => import('./pages/agent/agent.js'),
  },
  {
    path: '/spawn',
    title: 'Spawn',
    on: ['hub', 'spoke'],
    role: 'operator',
    icon: 'spawn',
    load: () => import('./pages/spawn/spawn.js'),
  },
  {
    path: '/spokes',
    title: 'Spokes',
    on: ['hub'],
    role: 'viewer',
    icon: 'spokes',
    load: () => import('./pages/spokes/spokes.js'),
  },
  {
    path: '/spokes/:id',
    title: 'Spoke',
    on: ['hub'],
    role: 'viewer',
    load: () => import('./pages/spokes/spoke.js'),
  },
  {
    path: '/hubs',
    title: 'Hubs',
    on: ['spoke'],
    role: 'viewer',
    icon: 'hubs',
    load: () => import('./pages/hubs/hubs.js'),
  },
  {
    path: '/hubs/:id',
    title: 'Hub',
    on: ['spoke'],
    role: 'viewer',
    load: () => import('./pages/hub/hub.js'),
  },
  {
    path: '/hubs/:id/grant',
    title: 'Grant',
    on: ['spoke'],
    role: 'admin',
    load: () => import('./pages/grant/grant.js'),
  },
  {
    path: '/join',
    title: 'Join a hub',
    on: ['spoke'],
    role: 'admin',
    load: () => import('./pages/join/join.js'),
  },
  {
    path: '/questions',
    title: 'Waiting',
    on: ['spoke'],
    role: 'viewer',
    icon: 'question',
    load: () => import('./pages/questions/questions.js'),
  },
  {
    path: '/usage',
    title: 'Usage',
    on: ['spoke'],
    role: 'viewer',
    icon: 'usage',
    load: () => import('./pages/usage/usage.js'),
  },
  {
    path: '/machine',
    title: 'Machine',
    on: ['spoke'],
    role: 'viewer',
    icon: 'machine',
    load: () => import('./pages/machine/machine.js'),
  },
  {
    path: '/stop',
    title: 'Stop',
    on: ['hub', 'spoke'],
    role: 'viewer',
    icon: 'stop',
    load: () => import('./pages/stop/stop.js'),
  },
  {
    path: '/charts',
    title: 'Charts',
    on: ['hub', 'spoke'],
    role: 'viewer',
    icon: 'charts',
    load: () => import('./pages/charts/charts.js'),
  },
  {
    path: '/audit',
    title: 'Audit',
    on: ['hub', 'spoke'],
    role: 'admin',
    icon: 'audit',
    load: () => import('./pages/audit/audit.js'),
  },
];
