import { shownName } from '../../../words/host-name.ts'
import { inOrder, standOf } from '../../kept-stacks/order.ts'
import type { ProcessTrace, SameStack } from '../../kept-stacks/process-trace.ts'
import type { NamedFrame } from '../../unwind/frame.ts'
import type { Module } from '../../unwind/modules.ts'
import { hex } from './frame-text.ts'

/** Of the JSON: TRACES.md. */
export const VERSION = 1

/** A process's stacks for programs: TRACES.md. */
export function processJson(trace: ProcessTrace): string {
  const { process, freezeMs, missed } = trace
  const { pid, comm, unit, exe, container, pod, namespace } = process
  const ordered = inOrder(trace)
  const files = new Files()
  const stacks = ordered.map((stack) => stackJson(stack, files))
  const threads = ordered.flatMap(({ tids }, stack) =>
    tids.map((tid) => {
      const seen = trace.seen.get(tid)
      const stand = standOf(tid, trace)
      const { comm: name, state, wchan, call, frames = [] } = seen ?? {}
      return { tid, stack, name, state, stand, wchan, call: call?.name, kernel: frames.length > 0 ? frames : undefined }
    }),
  )
  const of = { pid, comm, unit, exe, container, pod, namespace }
  return `${JSON.stringify({ version: VERSION, ...of, freezeMs: Math.round(freezeMs * 10) / 10, threads, stacks, modules: files.told, missed })}\n`
}

/** Stacks and the files they are in: what a process and a crash have in common. */
export function stackJson({ frames, end }: SameStack, files: Files): object {
  return {
    frames: frames.map((frame) => frameJson(frame, files)),
    end: { why: end.why, ...(end.address !== undefined && { address: hex(end.address) }) },
  }
}

function frameJson({ pc, kind, by, module, address, name }: NamedFrame, files: Files): object {
  return {
    ...{ pc: hex(pc), kind, by },
    ...(module !== undefined && { module: files.indexOf(module), address: hex(address ?? 0) }),
    ...(name !== undefined && { function: name.function, offset: name.offset, named: name.source }),
  }
}

/** The modules that are named so far, each once. */
export class Files {
  readonly #modules: Module[] = []

  indexOf(module: Module): number {
    const known = this.#modules.indexOf(module)
    return known >= 0 ? known : this.#modules.push(module) - 1
  }

  get told(): readonly object[] {
    return this.#modules.map(({ path, bias, image: { buildId } }) => ({
      ...{ path: shownName(path), buildId },
      bias: hex(bias),
    }))
  }
}
