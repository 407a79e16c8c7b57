# SPDX-License-Identifier: GPL-2.0-only
# growth.gnuplot: two panels, which chart.sh calls with the curves $idle, $asleep and $epoll, and unit and kernel
#
# Lines differ by width, dashes and points too, for greyscale; what is big enough for the last row is not too big here.

set terminal svg size 1600,800 font "sans,24" linewidth 2 background "white"
set multiplot layout 1,2 title "/dev/iodemo with many open files (Linux ".kernel.")" font ",28"

set style line 1 linecolor rgb "#b2182b" linewidth 2 pointtype 7 pointsize 1.2
set style line 2 linecolor rgb "#2166ac" linewidth 2 pointtype 5 pointsize 1.2 dashtype (12,6)
set style data linespoints
set border 3
set grid xtics ytics linecolor rgb "#a0a0a0" linewidth 0.5 dashtype solid
set tics nomirror
set key top left reverse Left samplen 3 width -2
set logscale x 2
set xtics (1, 4, 16, 64, 256, 1024)
set xrange [0.8:1400]

# A logarithmic axis has no 0: the file that makes the interrupt is counted too
set title "One interrupt"
set xlabel "open files"
set ylabel unit
set logscale y
set yrange [500:*]
set format y "10^{%T}"
plot $asleep using ($1 + 1):2 linestyle 1 title "a reader asleep on each", \
	$idle using ($1 + 1):2 linestyle 2 title "nobody waits"

set title "epoll\\_wait and read, one file ready"
set xlabel "files in the epoll"
unset logscale y
set format y "%.0f"
set yrange [0:*]
plot $epoll using 1:2 linestyle 1 notitle
