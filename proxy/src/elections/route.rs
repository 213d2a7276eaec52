//! The route that a session asked for, kept without memory of its own where it is as short as routes are.

/// Bytes that are kept in place.
const SHORT: usize = 22;
/// Bytes that are kept at all: a route of a member is no longer, and strangers write what they like.
const LONGEST: usize = 256;

/// A route as a client wrote it.
#[derive(Debug, Clone)]
pub(super) enum AskedRoute {
    Short(u8, [u8; SHORT]),
    Long(Box<str>),
}

impl AskedRoute {
    pub(super) fn new(route: &str) -> Self {
        let mut bytes = [0; SHORT];
        if let (Some(place), Ok(length)) = (bytes.get_mut(..route.len()), u8::try_from(route.len())) {
            place.copy_from_slice(route.as_bytes());
            return Self::Short(length, bytes);
        }
        let start = (0..=LONGEST.min(route.len())).rev().find_map(|end| route.get(..end));
        Self::Long(start.unwrap_or_default().into())
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Short(length, bytes) => {
                let bytes = bytes.get(..usize::from(*length)).unwrap_or_default();
                std::str::from_utf8(bytes).unwrap_or_default()
            }
            Self::Long(route) => route,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AskedRoute, LONGEST};

    #[test]
    fn every_route_comes_back_as_far_as_it_is_kept() {
        for route in ["", "a", "node1", &"x".repeat(22), &"x".repeat(23), "é日本", &"y".repeat(LONGEST)] {
            assert_eq!(AskedRoute::new(route).as_str(), route);
        }
        assert_eq!(AskedRoute::new(&"é".repeat(LONGEST)).as_str(), "é".repeat(LONGEST / 2));
        assert_eq!(size_of::<AskedRoute>(), 24);
    }
}
