// Peer `nest-fastify-unsigned`: the same question as plain JSON over Nest on Fastify, asked with an undici pool.
import 'reflect-metadata';
import { Body, Controller, HttpCode, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Pool } from 'undici';
import { answer, expectAnswer, question, type BenchPair } from './peer.js';

@Controller()
class StatusController {
  @Post('status')
  @HttpCode(200)
  status(@Body() body: typeof question) {
    return { ...answer, agentId: body.agentId };
  }
}

@Module({ controllers: [StatusController] })
class StatusModule {}

export const nestFastify: BenchPair = {
  name: 'nest-fastify-unsigned',
  async serve() {
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest declares its options as a class that nobody makes instances of
    const app = await NestFactory.create<NestFastifyApplication>(StatusModule, new FastifyAdapter(), { logger: false });
    await app.listen(0, '127.0.0.1');
    return { address: await app.getUrl() };
  },
  async connect(address) {
    const pool = new Pool(address as string, { connections: 16, pipelining: 4 });
    const request = {
      path: '/status',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(question),
    } as const;
    return async () => {
      const { body } = await pool.request(request);
      expectAnswer(await body.json());
    };
  },
};
