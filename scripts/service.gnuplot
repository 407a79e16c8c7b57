# SPDX-License-Identifier: GPL-2.0-only
# service.gnuplot: three panels, which chart.sh calls with $READ_*, $LEFT_* and $LATENCY_* for each way to serve a device,
# and unit and kernel
#
# Lines differ by width, dashes and points too, for greyscale.

set terminal svg size 1600,800 font "sans,22" linewidth 2 background "white"
set multiplot layout 1,3 title "/dev/iodemo under load: interrupts against polling (Linux ".kernel.")" font ",28"

set style line 1 linecolor rgb "#b2182b" linewidth 2 pointtype 7 pointsize 0.8
set style line 2 linecolor rgb "#e08214" linewidth 1.5 pointtype 9 pointsize 0.9 dashtype (3,5)
set style line 3 linecolor rgb "#4d4d4d" linewidth 1.5 pointtype 5 pointsize 0.8 dashtype (12,6)
set style line 4 linecolor rgb "#2166ac" linewidth 2.5 pointtype 13 pointsize 0.9
set style data linespoints
set border 3
set grid xtics ytics linecolor rgb "#a0a0a0" linewidth 0.5 dashtype solid
set tics nomirror
unset key
set logscale x
set xrange [1:2e8]
set format x "10^{%T}"
set xtics 1,100
set xlabel "records a second that the device makes"

set title "Left for another program"
set ylabel "% of the processor"
set yrange [0:105]
plot $LEFT_interrupt using 1:2 linestyle 1, \
	$LEFT_unrested using 1:2 linestyle 2, \
	$LEFT_polling using 1:2 linestyle 3, \
	$LEFT_hybrid using 1:2 linestyle 4

set title "Read by one program"
set ylabel "records a second"
set logscale y
set yrange [1:1e7]
set format y "10^{%T}"
plot $READ_interrupt using 1:2 linestyle 1, \
	$READ_unrested using 1:2 linestyle 2, \
	$READ_polling using 1:2 linestyle 3, \
	$READ_hybrid using 1:2 linestyle 4

set title "From made to read"
set key top left reverse Left samplen 3 width -2
set ylabel unit
set yrange [1000:*]
plot $LATENCY_interrupt using 1:2 linestyle 1 title "interrupt", \
	$LATENCY_unrested using 1:2 linestyle 2 title "interrupt, rest=0", \
	$LATENCY_polling using 1:2 linestyle 3 title "polling", \
	$LATENCY_hybrid using 1:2 linestyle 4 title "hybrid"
