# Prints the most private memory that the services of lastgasp have had together: proc(5), smaps_rollup.
daemon=$(systemctl show --property MainPID --value lastgasp.service)
collector=$(systemctl show --property MainPID --value lastgasp-collector.service)
most=0
while sleep 0.1; do
  sum=0
  for pid in "$daemon" "$collector"; do
    while read -r name kib _; do
      case $name in Private_*) sum=$((sum + kib)) ;; esac
    done 2>/dev/null <"/proc/$pid/smaps_rollup"
  done
  if [ "$sum" -gt "$most" ]; then
    most=$sum
    echo "peak: $most KiB" >/dev/console
  fi
done
