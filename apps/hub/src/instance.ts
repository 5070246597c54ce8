// The hub about itself: who it is, and whether it can do its work.
import { fingerprintWords, operationNames, type Check, type InstanceResource, type Readiness } from '#protocol';
import { checkStore, checkWebhooks, readinessOf, version } from '#api';
import type { Store } from '#store';
import type { HubConfig } from './config.js';

export class InstanceView {
  constructor(
    private readonly config: HubConfig,
    private readonly id: string,
    private readonly store: Store,
    private readonly trust: () => Promise<Check[]>,
  ) {}

  async instance(): Promise<InstanceResource> {
    const words = fingerprintWords(this.id).split(' ');
    const about = { role: 'hub', id: this.id, name: this.config.name, words, version } as const;
    return {
      ...about,
      time: new Date().toISOString(),
      operations: [...operationNames],
      checks: [
        await checkStore(this.store),
        ...(await this.trust()),
        ...(await checkWebhooks(this.store, this.config.webhooks)),
      ],
    };
  }

  async ready(): Promise<Readiness> {
    return readinessOf([await checkStore(this.store), ...(await this.trust())]);
  }
}
