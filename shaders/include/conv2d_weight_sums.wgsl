// Adds a thread's sums to those of the threads before it with the same lane.
//for a in 0..OB {
//for b in 0..CB {
//for u in 0..3 {
//for v in 0..3 {
sums[$((a*CB+b)*9+u*3+v)u * LANES + at] += s$a_$b_$u$v;
//}
//}
//}
//}
