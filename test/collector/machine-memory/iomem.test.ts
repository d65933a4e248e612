import t from 'tap'
import { parseIomem } from '../../../agent/collector/machine-memory/iomem.ts'

const IOMEM = `00000000-00000fff : Reserved
00001000-0009fbff : System RAM
0009fc00-0009ffff : Reserved
00100000-bfffdfff : System RAM
  01000000-01ffffff : Kernel code
  02000000-024fffff : Kernel rodata
  02600100-0277f07f : Kernel data
  02d30000-02ffffff : Kernel bss
  ab000000-b2ffffff : Crash kernel
fd000000-fdffffff : PCI Bus 0000:00
100000000-17fffffff : System RAM
240000000-2bfffffff : virtio0
  240000000-247ffffff : System RAM (virtio_mem)
`

t.test('RAM in whole pages, with what was plugged in, without the crash kernel', async (t) => {
  const { ram, kernelData } = parseIomem(IOMEM, 4096)
  t.strictSame(ram, [
    { start: 0x1000, end: 0x9f000 },
    { start: 0x100000, end: 0xab000000 },
    { start: 0xb3000000, end: 0xbfffe000 },
    { start: 0x1_0000_0000, end: 0x1_8000_0000 },
    { start: 0x2_4000_0000, end: 0x2_4800_0000 },
  ])
  t.strictSame(kernelData, [
    { start: 0x2000000, end: 0x2500000 },
    { start: 0x2600000, end: 0x2780000 },
    { start: 0x2d30000, end: 0x3000000 },
  ])
})

t.test('to whom no addresses are shown there is no RAM', async (t) => {
  t.strictSame(parseIomem(IOMEM.replace(/[0-9a-f]{8,9}-[0-9a-f]{8,9}/g, '00000000-00000000'), 4096), {
    ram: [],
    kernelData: [],
  })
})
