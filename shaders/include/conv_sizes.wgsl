h_in: u32, w_in: u32, h_out: u32, w_out: u32, c_in: u32, c_out: u32, // of image and result
