// Peer `nest-tcp-unsigned`: the same question over Nest's own TCP transport.
import 'reflect-metadata';
import { createServer, type AddressInfo } from 'node:net';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientTCP, MessagePattern, Payload, Transport, type MicroserviceOptions } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { answer, expectAnswer, question, type BenchPair } from './peer.js';

@Controller()
class StatusController {
  @MessagePattern('status')
  status(@Payload() body: typeof question) {
    return { ...answer, agentId: body.agentId };
  }
}

@Module({ controllers: [StatusController] })
class StatusModule {}

/** Nest's TCP server does not tell which port it got. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((listening) => probe.once('listening', listening));
  const { port } = probe.address() as AddressInfo;
  await new Promise((closed) => probe.close(closed));
  return port;
}

export const nestTcp: BenchPair = {
  name: 'nest-tcp-unsigned',
  async serve() {
    const port = await freePort();
    const options: MicroserviceOptions = { transport: Transport.TCP, options: { host: '127.0.0.1', port } };
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest declares its options as a class that nobody makes instances of
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(StatusModule, { ...options, logger: false });
    await app.listen();
    return { address: port };
  },
  async connect(address) {
    const client = new ClientTCP({ host: '127.0.0.1', port: address as number });
    await client.connect();
    return async () => expectAnswer(await firstValueFrom(client.send('status', question)));
  },
};
