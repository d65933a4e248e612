import { openSync } from 'node:fs'
import { DescriptorReserve } from '../../agent/streams/reserve.ts'

// Says how many of three descriptors in reserve stay when they are lent: as the host is, and when all others are in use.

const reserve = new DescriptorReserve(3)
const stay = () => reserve.lend(async () => reserve.held)
const others = await stay()
let isFull = false
while (!isFull)
  try {
    openSync('/dev/null', 'r')
  } catch {
    isFull = true
  }
process.stdout.write(`${others} of 3, and ${await stay()} where there are no others; then ${reserve.held}\n`)
