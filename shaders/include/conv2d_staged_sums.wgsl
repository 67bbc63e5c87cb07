// Adds the products of the staged channels to the sums.
for (var c = 0u; c < end; c++) {
  //for p in 0..PH+2 {
  //for q in 0..PW+2 {
  let x$p_$q = select(0.0, x[at + row$p + column$q], has_row$p & has_column$q);
  //}
  //}
  //for g in 0..QB {
  {
    //for u in 0..3 {
    //for v in 0..3 {
    let k$u$v = weights[c * $(9*QB)u + $((u*3+v)*QB+g)u];
    //}
    //}
    //for a in 0..4 {
    //for p in 0..PH {
    //for q in 0..PW {
    s$(g*4+a)_$p_$q += k00[$(a)] * x$(p)_$(q) + k01[$(a)] * x$(p)_$(q+1) + k02[$(a)] * x$(p)_$(q+2)
      + k10[$(a)] * x$(p+1)_$(q) + k11[$(a)] * x$(p+1)_$(q+1) + k12[$(a)] * x$(p+1)_$(q+2)
      + k20[$(a)] * x$(p+2)_$(q) + k21[$(a)] * x$(p+2)_$(q+1) + k22[$(a)] * x$(p+2)_$(q+2);
    //}
    //}
    //}
  }
  //}
  at += params.h_in * params.w_in;
}
