//! Any bytes: what the member gets is what a strict reading finds in them, up to where it refuses.
