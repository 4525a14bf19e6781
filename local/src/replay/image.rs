//! Badges and logos: small pictures in a different colour for each id.

/// A 32 by 32 PNG in a colour derived from `id`, with a lighter square so that it is recognizable as a picture.
pub fn png_for(id: u64) -> Result<Vec<u8>, png::EncodingError> {
    const SIDE: u32 = 32;
    // Multiplying by a large odd number spreads neighbouring ids over the whole range of colours.
    let [.., r, g, b] = id.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_right(24).to_be_bytes();
    let mut pixels = Vec::with_capacity((SIDE * SIDE * 3) as usize);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let inside = (8..24).contains(&x) && (8..24).contains(&y);
            pixels.extend([r, g, b].map(|c| if inside { c / 2 + 127 } else { c }));
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIDE, SIDE);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_decode_and_differ() {
        let picture = png_for(1001).unwrap();
        let info = png::Decoder::new(std::io::Cursor::new(&picture)).read_info().unwrap().info().size();
        assert_eq!(info, (32, 32));
        assert_ne!(picture, png_for(1002).unwrap());
    }
}
