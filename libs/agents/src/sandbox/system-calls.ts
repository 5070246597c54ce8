// Sandbox room: a filter of system calls, for what no namespace takes away. A network namespace leaves AF_VSOCK, by which a virtual
// machine talks to the machine below it; keyrings belong to users; the others are ways into the kernel that no agent's work needs.
// A classic BPF program after seccomp(2); offsets are those of `struct seccomp_data`.

interface Machine {
  /** AUDIT_ARCH_…: a program of another architecture would have other numbers for the same calls. */
  readonly audit: number;
  readonly socket: number;
  readonly keyrings: readonly number[];
  readonly kernelWays: readonly number[];
  /** clone and unshare: the first argument has the flags. */
  readonly makers: readonly number[];
  /** x86-64 has a second set of numbers from here on (x32). */
  readonly numbersMax?: number;
}

/** The same numbers everywhere. clone3 hides its flags in memory, where no filter sees them; libraries fall back to clone. */
const ioUring = [425, 426, 427];
const clone3 = 435;
const newUserNamespace = 0x10000000;

const machines: Partial<Record<NodeJS.Architecture, Machine>> = {
  x64: {
    audit: 0xc000003e,
    socket: 41,
    keyrings: [248, 249, 250],
    kernelWays: [298, 321, 323],
    makers: [56, 272],
    numbersMax: 0x40000000,
  },
  arm64: { audit: 0xc00000b7, socket: 198, keyrings: [217, 218, 219], kernelWays: [241, 280, 282], makers: [220, 97] },
};

/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK: all four end at the sandbox's own walls. */
const addressFamilies = [1, 2, 10, 16];

const offsets = { number: 0, audit: 4, firstArgument: 16 };
const allow = 0x7fff0000;
const killProcess = 0x80000000;
const refuse = { notPermitted: errno(1), notImplemented: errno(38), noSuchFamily: errno(97) };

/** Null on a machine whose numbers we do not know. */
export function systemCallFilter(architecture: NodeJS.Architecture = process.arch): Buffer | null {
  const machine = machines[architecture];
  if (!machine) return null;
  const { audit, socket, keyrings, kernelWays, makers, numbersMax } = machine;
  return Buffer.concat([
    load(offsets.audit),
    unlessEqual(audit, end(killProcess)),
    load(offsets.number),
    ...(numbersMax === undefined ? [] : [whenAtLeast(numbersMax, end(refuse.notImplemented))]),
    ...keyrings.map((number) => whenEqual(number, end(refuse.notPermitted))),
    // Libraries that find these missing do without.
    ...[...kernelWays, ...ioUring, clone3].map((number) => whenEqual(number, end(refuse.notImplemented))),
    ...makers.map((number) => whenEqual(number, userNamespaceCheck())),
    whenEqual(socket, familyCheck()),
    end(allow),
  ]);
}

function familyCheck(): Buffer {
  const known = addressFamilies.map((family) => whenEqual(family, end(allow)));
  return Buffer.concat([load(offsets.firstArgument), ...known, end(refuse.noSuchFamily)]);
}

function userNamespaceCheck(): Buffer {
  return Buffer.concat([load(offsets.firstArgument), whenBit(newUserNamespace, end(refuse.notPermitted)), end(allow)]);
}

function load(offset: number): Buffer {
  return instruction(0x20, offset);
}

function end(action: number): Buffer {
  return instruction(0x06, action);
}

function whenEqual(value: number, then: Buffer): Buffer {
  return Buffer.concat([instruction(0x15, value, 0, then.length / 8), then]);
}

function unlessEqual(value: number, then: Buffer): Buffer {
  return Buffer.concat([instruction(0x15, value, then.length / 8, 0), then]);
}

function whenAtLeast(value: number, then: Buffer): Buffer {
  return Buffer.concat([instruction(0x35, value, 0, then.length / 8), then]);
}

function whenBit(bit: number, then: Buffer): Buffer {
  return Buffer.concat([instruction(0x45, bit, 0, then.length / 8), then]);
}

/** `struct sock_filter`: code, how far to jump when true and when false, operand. */
function instruction(code: number, operand: number, whenTrue = 0, whenFalse = 0): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(whenTrue, 2);
  bytes.writeUInt8(whenFalse, 3);
  bytes.writeUInt32LE(operand, 4);
  return bytes;
}

function errno(number: number): number {
  return 0x00050000 + number;
}
