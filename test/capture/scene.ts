import type { Manifest, Receipt } from '../../agent/bundle/schema.ts'
import { type Around, type Captured, capture } from '../../agent/capture/capture.ts'
import type { CaptureRequest } from '../../agent/capture/request.ts'
import { TestClock } from '../clock.ts'
import { MemoryStore } from './memory-store.ts'
import { type Scripted, ScriptedCollector } from './scripted-collector.ts'

export const request: CaptureRequest = {
  trigger: 'shutdown',
  deadline: 90_000,
  hold: 10_000,
  identity: 'host-1',
  host: { name: 'host-1', kernel: '6.1', arch: 'x64' },
  labels: {},
  recipients: [],
  problems: [],
  agent: '0',
}

export const never = new AbortController().signal

/** A clock, a collector that gives these, a store, and a capture of it all. */
export function scene(...items: Scripted[]) {
  const clock = new TestClock()
  const collector = new ScriptedCollector(clock, ...items)
  const store = new MemoryStore(clock)
  const begin = (over: Partial<CaptureRequest> = {}, around: Partial<Around> = {}, signal = never): Promise<Captured> =>
    capture({ ...request, ...over }, { collector, store, clock, ...around }, signal)
  return {
    clock,
    collector,
    store,
    begin,
    captured: async (over: Partial<CaptureRequest> = {}, around: Partial<Around> = {}): Promise<Manifest> =>
      (await clock.run(begin(over, around))).manifest,
  }
}

export function receiptOf({ receipts }: Manifest, artifact: string): Receipt | undefined {
  return receipts.find((receipt) => receipt.artifact === artifact)
}
