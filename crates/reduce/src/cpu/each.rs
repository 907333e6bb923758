//! The same of each of several, side by side where there are threads.

/// What each comes to, in their order: of several errors the first is that of the first, whichever was found first.
#[cfg(feature = "rayon")]
pub(crate) fn each<G: Sync, R: Send>(groups: &[G], f: impl Fn(&G) -> R + Sync + Send) -> impl Iterator<Item = R> {
    use rayon::prelude::*;
    groups.par_iter().map(f).collect::<Vec<_>>().into_iter()
}

#[cfg(not(feature = "rayon"))]
pub(crate) fn each<G, R>(groups: &[G], f: impl Fn(&G) -> R) -> impl Iterator<Item = R> {
    groups.iter().map(f)
}

/// Changes each, by its index.
#[cfg(feature = "rayon")]
pub(crate) fn each_mut<G: Send>(groups: &mut [G], f: impl Fn(usize, &mut G) + Sync + Send) {
    use rayon::prelude::*;
    groups.par_iter_mut().enumerate().for_each(|(index, group)| f(index, group));
}

#[cfg(not(feature = "rayon"))]
pub(crate) fn each_mut<G>(groups: &mut [G], f: impl Fn(usize, &mut G)) {
    groups.iter_mut().enumerate().for_each(|(index, group)| f(index, group));
}
