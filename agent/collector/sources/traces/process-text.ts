import { countOf } from '../../../words/count-of.ts'
import { printable } from '../../../words/printable.ts'
import { inOrder, standOfStack } from '../../kept-stacks/order.ts'
import type { ProcessTrace, SameStack, SeenThread } from '../../kept-stacks/process-trace.ts'
import { endText, frameText } from './frame-text.ts'

/** Threads of one stack that are named; the JSON has all. */
const NAMED = 8
/** Of the kernel's functions, those that tell what it waits for. */
const KERNEL = 4

/** A process's stacks as a person reads them. */
export function processText(trace: ProcessTrace): string {
  const { process, freezeMs, missed } = trace
  const { comm, pid, unit, pod, namespace, exe } = process
  const title = [`${comm} ${pid}`, unit, pod && `pod ${namespace}/${pod}`, exe].filter((word) => word !== undefined)
  const threads = trace.stacks.reduce((sum, { tids }) => sum + tids.length, 0)
  const head = [title.join('  '), `${countOf(threads, 'thread')}, stood still for ${freezeMs.toFixed(1)} ms`]
  const stacks = inOrder(trace).map((stack) => stackText(stack, trace))
  const lacking = missed.map((sentence) => `missing: ${sentence}`)
  return `${[[...head, ...lacking].map(printable).join('\n'), ...stacks].join('\n\n')}\n`
}

function stackText(stack: SameStack, trace: ProcessTrace): string {
  const { tids, frames, end } = stack
  const names = tids.slice(0, NAMED).map((tid) => {
    const { comm } = trace.seen.get(tid) ?? {}
    return comm === undefined || comm === trace.process.comm ? String(tid) : `${tid} ${comm}`
  })
  const more = tids.length > NAMED ? ', …' : ''
  const who = `${countOf(tids.length, 'thread')}: ${names.join(', ')}${more}`
  const first = trace.seen.get(tids[0] as number)
  const stand = standOfStack(stack, trace)
  const what = [
    ...(stand === 'unknown' ? [] : [stand]),
    ...(first === undefined ? [] : [`in ${first.state}`]),
    ...(first?.call === undefined ? [] : [first.call.name]),
  ]
  // One that runs is in the kernel because it was looked at.
  const kernel = first?.state === 'R' ? undefined : kernelText(first)
  const ended = endText(end)
  return [
    printable(`${who}${what.length === 0 ? '' : `  (${what.join('; ')})`}`),
    ...(kernel === undefined ? [] : [printable(`kernel: ${kernel}`)]),
    ...frames.map(frameText),
    ...(ended === undefined ? [] : [ended]),
  ].join('\n')
}

/** Functions of the kernel in which it sleeps, innermost first; below these all system calls are alike. */
function kernelText(seen: SeenThread | undefined): string | undefined {
  if (seen === undefined || seen.frames.length === 0) return seen?.wchan
  return seen.frames
    .slice(0, KERNEL)
    .map((frame) => frame.replace(/\+0x.*$/, ''))
    .join(' < ')
}
