//! The same of each of several, side by side where there are threads.

/// What each comes to; of several errors that of the first, whichever was found first.
#[cfg(feature = "rayon")]
pub(crate) fn each<G: Sync, R: Send, E: Send>(
    groups: &[G],
    f: impl Fn(&G) -> Result<R, E> + Sync + Send,
) -> Result<Vec<R>, E> {
    use rayon::prelude::*;
    groups.par_iter().map(f).collect::<Vec<_>>().into_iter().collect()
}

#[cfg(not(feature = "rayon"))]
pub(crate) fn each<G, R, E>(groups: &[G], f: impl Fn(&G) -> Result<R, E>) -> Result<Vec<R>, E> {
    groups.iter().map(f).collect()
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
