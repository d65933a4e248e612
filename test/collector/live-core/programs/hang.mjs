// Spins in compiled code, some calls deep.
function deep(depth) {
  if (depth > 0) return deep(depth - 1) + 1
  let x = 1
  while (x >= 0) x = (x * 31) % 1000003
  return x
}

console.log('ready')
deep(20)
